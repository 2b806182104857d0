"""Print stories: `python -m mldata.storybook --count 5 --seed 1`."""

import argparse

from mldata.storybook.assembly import documents


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mldata.storybook", description="Print stories.")
    parser.add_argument("--count", type=int, default=3, help="number of stories (3)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other stories (0)")
    parser.add_argument("--split", choices=["train", "validation"], default="train")
    arguments = parser.parse_args()
    for text in documents(arguments.split, arguments.count, arguments.seed):
        print(text, end="\n\n")


if __name__ == "__main__":
    main()
