"""`python -m bootmend` is the command line."""

from bootmend.cli.main import main

if __name__ == "__main__":
    main()
