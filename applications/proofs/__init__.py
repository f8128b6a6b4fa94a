"""What proves a client, as people upload it: public keys, certificates, subject names. Pure, no rows."""
