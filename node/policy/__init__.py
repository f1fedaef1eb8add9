"""What each partner may learn: grants as reviewable files, applied at once, explained."""
