"""What the site does when something fails: real servers, real processes, and a load that keeps account."""
