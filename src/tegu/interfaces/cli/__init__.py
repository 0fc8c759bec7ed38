"""The command line: one file per group of commands, loaded when it is asked for.

`main` is the entry point; `session` opens a Tegu for a command; `failure` turns errors into a sentence and an exit
code; `screen` writes; `tables`, `result_table` and `board` show.
"""
