"""Who is asking: sessions, tokens, passwords, links in mails, limits, and the audit log."""
