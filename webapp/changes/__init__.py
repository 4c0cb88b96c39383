"""What changes what is kept: uploads, imports, maintainers, removal, and what is derived from other documents."""
