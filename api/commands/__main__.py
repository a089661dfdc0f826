from api.commands import main

main()
