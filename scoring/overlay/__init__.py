"""Citizens the ledger knows more of than the snapshot: rebuilt, and laid over the served version.

    changes   what the ledger says of them
    served    the inputs the served snapshot was made from: its rules, its lake, its histories
    rebuild   the build's own steps for these citizens alone
    lay       their three records into the store, one citizen at once
    overlay   one round of all that

Answers keep naming the snapshot: day, rules and lake are its own. What is new is the ledger's
position, which is kept for each citizen beside her records. The next full build knows it too.
"""
