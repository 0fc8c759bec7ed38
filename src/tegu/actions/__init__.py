"""What an actor may ask for. An action is `async (scope, input) -> output`; interfaces call these and decide nothing."""
