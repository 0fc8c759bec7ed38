"""The actions, one module a noun: what an actor may ask for, whatever the interface. `registry` collects them."""
