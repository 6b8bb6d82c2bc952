"""The senses: each turns one kind of hardware, real or simulated, into adverts or scans."""
