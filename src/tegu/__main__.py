"""`python -m tegu` is `tegu`."""

from tegu.interfaces.cli.main import main

if __name__ == "__main__":
    main()
