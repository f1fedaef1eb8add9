"""What maps between spaces cost and what they keep: microseconds, fit seconds, nDCG and overlap."""
