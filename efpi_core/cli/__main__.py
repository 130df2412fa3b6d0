"""`python -m efpi_core.cli`: the command `efpi`."""

from efpi_core.cli.main import main

if __name__ == "__main__":
    main()
