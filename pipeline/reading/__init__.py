"""What readers of publishers' files share: grids with addresses, records, ledgers, exact numerals, era dates, figures."""
