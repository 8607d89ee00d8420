import fractions
fractions.Fraction
