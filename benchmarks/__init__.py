"""What is measured of Larder; the README beside this file says how, and keeps the last figures."""
