"""The command line: parsing and showing only; what is done is an operation's business."""
