"""`python -m examples.three_organisations`: the demo."""

from examples.three_organisations.demo import main

if __name__ == "__main__":
    raise SystemExit(main())
