"""What readers of publishers' files share: grids with addresses, numerals with units and precision, era dates, figures."""
