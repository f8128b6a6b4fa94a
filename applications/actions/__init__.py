"""Everything that changes applications and their sharing. One action, one transaction, one history."""
