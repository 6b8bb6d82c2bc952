"""What screens are to show and when: the records that head office, device and player share, and the rules on them."""
