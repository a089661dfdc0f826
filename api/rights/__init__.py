"""What a citizen can set right: disputes, reviews, repairs and her own statements. Cases are folds of
ledger events; what she and the office wrote stands apart, so that it can be erased."""
