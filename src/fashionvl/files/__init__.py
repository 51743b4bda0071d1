"""Files written whole, arrays mapped from files."""
