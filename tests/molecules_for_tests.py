"""A variety of molecules, written for the tests."""

SMILES = [
    "C", "[H][H]", "CC(=O)[O-].[Na+]", "CCO", "O=C=O", "c1ccccc1", "C1CC1", "C#N", "N#Cc1ccccc1O",
    "CC(C)(C)C(=O)Nc1ccncc1",
    "CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C)C(=O)N2C", "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O",
    "C/C=C/C(=O)O", "C/C=C\\C(=O)O", "[13CH3]O", "[2H]OC", "*c1ccccc1", "[Fe+2].[O-]C(=O)CC(=O)[O-]",
    "F[P-](F)(F)(F)(F)F.C[n+]1ccn(CCCC)c1", "CS(=O)(=O)Nc1ccc(cc1)B(O)O", "O=[N+]([O-])c1ccc(Cl)c(Br)c1",
    "C1CCC2(CC1)OCCO2", "C1C2CC3CC1CC(C2)C3", "CCCCCCCCCCCCCCCCCC(=O)O", "NCCS", "CSSC", "[Se]1cccc1",
    "c1ccc2c(c1)[nH]c1ccccc12", "CC(C)C[C@H](NC(=O)[C@H](C)N)C(=O)N1CCC[C@H]1C(=O)O", "Cl[Pt](Cl)(N)N",
    "O=C1c2ccccc2C(=O)c2ccccc12", "C[Si](C)(C)O[Si](C)(C)C", "C[NH3+]", "CC[N+](CC)(CC)CC.[I-]",
    "OP(=O)(O)OCC",
    "O=C(O)c1ccccc1.NCCO", "C1CCCCCCCCCCC1", "C12C3C4C1C5C2C3C45", "c1ccsc1-c1ncc[nH]1",
]  # fmt: skip
WITHOUT_PARENT = ["[Na+].[Cl-]", "[Fe+2].[O-]S(=O)(=O)[O-]", "[NH4+]"]
"""Counter-ions without carbon."""
