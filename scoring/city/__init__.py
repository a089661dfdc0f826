"""A synthetic city: the files its departments would send, made of people who cannot exist.

Everybody lives in division 990000, a code that is assigned to no place, so that no number here can
be a real person's. A city is a pure function of its size, its seed and its day: the same three give
the same bytes on any machine, whatever the number of threads or the size of the chunks.

    people         who lives there: ID number, birth date, name
    shares         how often what happens: data (shares.toml), with reasons
    personas       ten people with designed records (personas.toml)
    trouble        rows and files that must be refused or noticed (trouble.toml)
    commitments, contracts, courts, penalties, honours, organisations
                   one source kind each: draws records and writes them as the sender's rows
    deliveries     rows into CSV files with delivery notes
    generation     the whole city
"""
