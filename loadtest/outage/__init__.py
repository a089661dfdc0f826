"""Store or ledger stopped under load: how soon is it said, and is anything said that is not so?"""
