"""Reports for people who answer for what partners were told: made from the log, for any reader.

`making.py` is the door. Each kind of report is a file of its own.
"""
