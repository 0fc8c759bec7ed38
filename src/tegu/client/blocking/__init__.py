"""The client for programs that are not async: the same modules, word for word. Only `pace` is written by hand."""
