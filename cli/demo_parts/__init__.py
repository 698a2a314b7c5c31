"""What `humas demo` is made of: a website, a network, customers, a reviewer, a calendar."""
