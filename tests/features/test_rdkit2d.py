"""The fast descriptors against RDKit's own functions, which are the oracle."""

import csv
import gzip
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
from molecules_for_tests import SMILES
from rdkit import Chem, RDLogger
from rdkit.Chem import Descriptors

from servier.features.rdkit2d import DESCRIPTOR_NAMES, calculate, calculate_descriptors
from servier.features.rdkit2d.drug_likeness import _patterns
from servier.features.rdkit2d.molecular_graph import MAX_ATOMS, build_graph
from servier.features.rdkit2d.separate import separate_values
from servier.features.rdkit2d.stereochemistry import _can_be_stereocentre, _stereocentres

RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-12
LIBRARY_SAMPLE = 2000

COUNTS = [
    column
    for column, name in enumerate(DESCRIPTOR_NAMES)
    if name.startswith(("fr_", "Num")) or name in {"HeavyAtomCount", "NHOHCount", "NOCount", "RingCount"}
]
NEVER_FILLED = {"SMR_VSA8", "SlogP_VSA9"}  # bins between the contributions of any atom type

VARIED = """
C CC CCC C=C C#C C=C=C CO C=O OC=O N O S P B F Cl Br I [He] [Xe] [Na] [Na+] [Cl-] [OH-] [O-2]
[NH4+] [H+] [H][H] [2H][2H] [2H]O[2H] [H-] [H]O[H] [CH3] [CH2] [C] [O] O=O N#N [C-]#[O+]
[N-]=[N+]=N *C *C* *c1ccccc1 [*:1]CC[*:2] * ** *.* [1*]CC *C(=O)N* CC(C)(C)C CC(C)(C)c1ccccc1
CCCCCCCCCCCCCCCC FC(F)(F)C(F)(F)F ClC(Cl)(Cl)Cl BrC(Br)(Br)CC IC(I)I CC#CC C#CC#C CC#N CN=C=O
CN=C=S CSC#N C[N+]#[C-] CC=C=CC C=CC=CC=C O=C=O S=C=S O=C=C C1CC1 C1CCC1 C1CCCC1 C1CCCCC1
C1CCCCCC1 C1CCCCCCC1 C1CCCCCCCCCCCCCC1 C1CCCCCCCCCCCCCCCCCCCCCCC1 C1CO1 C1CN1 C1CS1 C1CC1C1CC1
CC1CC1 CC1CCC1 C1CC12CC2 C1CC12CCC2 C1CC2CC12 C12C3C1C23 C1C2CC1C2 C12C3C4C1C5C2C3C45
C1C2CC3CC1CC(C2)C3 C1CC2CCC1CC2 C1CC2CC1C=C2 C1CC2(C1)CC2 O1C2CC12 CC1(C)C2CCC1(C)C(=O)C2
C1=CC=CC=CC=C1 C1=CC1 C1=CCC1 C1=CC=CC1 c1ccccc1 c1ccncc1 c1cc[nH]c1 c1ccoc1 c1ccsc1 c1cnc[nH]1
c1cscn1 c1cocn1 c1nnn[nH]1 c1nncn1C c1ccc2ccccc2c1 c1ccc2[nH]ccc2c1 c1ccc2ncccc2c1
c1cc2cccc3ccc4cccc1c4c32 c1ccc(-c2ccccc2)cc1 c1ccc2c(c1)ccc1ccccc12 c1cc2ccc3cccc4ccc(c1)c2c34
C1=CC2=CC=CC=CC2=C1 c1cc[cH-]c1 c1cc[o+]cc1 c1cc[s+](C)c1 c1c[nH+]ccc1 C[n+]1ccccc1
[O-][n+]1ccccc1 O=c1cc[nH]cc1 O=c1ccocc1 O=c1ccc2ccccc2o1 Oc1ccccn1 c1ccc2nc3ccccc3cc2c1 CC(=O)C
CC(=O)O CC(=O)[O-] CC(=O)OC CC(=O)N CC(=O)NC CC(=O)N(C)C CC(=O)Cl CC(=O)Br CC=O OCC=O NC(=O)N
NC(=N)N NC(=S)N CC(=O)CC(=O)C CC(=O)C(=O)C O=C1CCCCC1 O=C1CCCO1 O=C1CCN1 O=C1CCCN1
O=C1NC(=O)CC(=O)N1 O=C1NC(=O)c2ccccc21 O=C1OC(=O)C=C1 CN(C)C CNC CN CCN(CC)CC C[N+](C)(C)C
C[N+](C)(C)CC([O-])=O CN=O CN(C)N=O C[N+](=O)[O-] CN(=O)=O CON=O CO[N+](=O)[O-] CNN CN(C)N CC=NN
CC=NO CN=NC c1ccccc1N=Nc1ccccc1 CN=[N+]=[N-] C[N-][N+]#N C=[N+]=[N-] c1ccccc1[N+]#N NO CONC
ON=CC=NO COC COO COOC CSSC CS CSC CS(C)=O CS(=O)(=O)C CS(=O)(=O)N CS(=O)(=O)NC CS(=O)(=O)O
CS(=O)(=O)[O-] CS(=O)(=O)Cl COS(=O)(=O)C CS(=O)O CS(=O)[O-] C[S+]([O-])C C[S+](C)C CC(=S)C CC(=S)N
CC(=S)S SC#N S=C1NCCN1 C1SCCS1 CSO CS(F)(F)(F)(F)F O=S(=O)(O)O COP(=O)(OC)OC OP(O)(O)=O CP(C)C
C[P+](C)(C)C CP(=O)(O)O OP(=O)(O)OP(=O)(O)O COP(=S)(OC)OC c1ccccc1P(c1ccccc1)c1ccccc1 FP(F)(F)(F)F
F[P-](F)(F)(F)(F)F F[B-](F)(F)F OB(O)c1ccccc1 B1OC(C)(C)C(C)(C)O1 C[Si](C)(C)C C[Si](C)(C)Cl
C[SiH3] [SiH4] C[Si](C)(C)O[Si](C)(C)C C[Ge](C)(C)C C[Sn](C)(C)C CC[Pb](CC)(CC)CC C[Hg]C C[Hg]Cl
C[Se]C C[Se][Se]C c1cc[se]c1 C[Te]C C[As](C)C [Fe] [Fe+2] [Zn+2] [Pt] [U] [Gd+3]
[Cu+2].[O-]S(=O)(=O)[O-] [Na+].[Cl-] [K+].[Br-] [Ca+2].[Cl-].[Cl-] Cl.CN(C)C Cl.Cl.NCCN
[Na+].CC([O-])=O [Li+].CCC[CH2-] [Mg+2].[CH3-].[Br-] C[Mg]Br [Al+3].[Cl-].[Cl-].[Cl-]
Cl[Pt](Cl)(N)N Cl[Pt]Cl [NH3]->[Pt](Cl)Cl N->B(F)(F)F C$C [Cr]$[Cr] F[Fe]F O=[Ti]=O
Cl[Ti](Cl)(Cl)Cl [O-][Mn](=O)(=O)=O.[K+] [Fe+2].c1cc[cH-]c1.c1cc[cH-]c1 CC[Al](CC)CC
O=C(O)c1ccccc1O.[Na+] CC(=O)Oc1ccccc1C(=O)O CC(C)Cc1ccc(cc1)C(C)C(=O)O CC(=O)Nc1ccc(O)cc1
Cn1c(=O)c2c(ncn2C)n(C)c1=O CN1CCC[C@H]1c1cccnc1 C[C@H](N)C(=O)O C[C@@H](N)C(=O)O
N[C@@H](Cc1ccccc1)C(=O)O OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O C/C=C/C C/C=C\\C CC=CC
C/C=C/C=C\\C F/C(Cl)=C(/Br)I C/C(=N/O)C CC(=NO)C O/N=C/c1ccccc1 C[C@H]1CC[C@@H](C)CC1 CC1CCC(C)CC1
C1C[C@H](C)[C@H](C)[C@H](C)C1 CC(O)C(O)C C[C@](F)(Cl)Br CC(F)(Cl)Br N[C@@]12CCC[C@H]1C2
C[S@](=O)CC C[P@](=O)(OC)c1ccccc1 CN1CCN(CC1)c1ccccc1 C1CNCCN1 C1COCCN1 C1CCNCC1 C1CCN2CCCC2C1
CN1CCCC1 CN1CCC1 CN1CCCCCC1 CN1C2CCC1CC(C2)OC(=O)C(CO)c1ccccc1 CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21
O=C1CN=C(c2ccccc2)c2ccccc2N1 Clc1ccc2NC(=O)CN=C(c3ccccc3)c2c1
CC1=C(C(=O)OC)C(c2ccccc2)C(C(=O)OC)=C(C)N1 CC(C)NCC(O)COc1cccc2ccccc12
CC(C)(C)NCC(O)c1ccc(O)c(CO)c1 CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1 CN(C)CCCN1c2ccccc2CCc2ccccc21
CC(=O)N1CCN(CC1)c1ccc(OCC2COC(Cn3ccnc3)(O2)c2ccc(Cl)cc2Cl)cc1 COc1ccc2cc(ccc2c1)C(C)C(=O)O
Cc1ccc(cc1)-c1cc(nn1-c1ccc(cc1)S(N)(=O)=O)C(F)(F)F
CCCC1=NN(C)C2=C1NC(=NC2=O)c1cc(ccc1OCC)S(=O)(=O)N1CCN(C)CC1
CC1(C)SC2C(NC(=O)Cc3ccccc3)C(=O)N2C1C(=O)O
CC(C)C1=C(C(=O)Nc2ccccc2)C(c2ccccc2)=C(c2ccc(F)cc2)N1CCC(O)CC(O)CC(=O)O
Nc1ncnc2c1ncn2C1OC(CO)C(O)C1O OC(=O)CC(O)(CC(O)=O)C(O)=O CC12CCC3C(CCC4=CC(=O)CCC34C)C1CCC2O
CC(C)CCCC(C)C1CCC2C1(CCC1C2CC=C2CC(O)CCC12C)C CC1CCC2C(C)C(=O)OC3OC4(C)CCC1C23OO4
O=C1c2ccccc2C(=O)c2ccccc21 O=C1C=CC(=O)C=C1 O=C1C=CC=CC1=O Oc1ccccc1O Oc1ccc(O)cc1 Oc1cc(O)cc(O)c1
Nc1ccc(N)cc1 Nc1ccccc1O COc1ccccc1OC c1ccc(Oc2ccccc2)cc1 c1ccc(Sc2ccccc2)cc1 c1ccc(Nc2ccccc2)cc1
O=C(c1ccccc1)c1ccccc1 O=C(Oc1ccccc1)c1ccccc1 O=[N+]([O-])c1ccccc1
O=[N+]([O-])c1ccc(Cl)cc1[N+](=O)[O-] Cc1c([N+](=O)[O-])cc([N+](=O)[O-])cc1[N+](=O)[O-]
Clc1c(Cl)c(Cl)c(Cl)c(Cl)c1Cl Fc1ccc(F)cc1 Clc1ccccn1 Brc1ccncc1 Ic1ccccc1 ClCc1ccccc1 FCCCl BrCCBr
CCI NCCl N#CCO N#CC(=O)C N#CCN CC(C)=C(C)C C=C(C)C(=O)OC C=CC#N C=CC(=O)C C#CC(=O)C C=CS(=O)(=O)C
C1=CC(=O)OC1 C1CSC=N1 CC1=NOC=C1 c1nonc1 c1nnco1 c1nncs1 c1nsc2ccccc12 c1ccc2sc(N)nc2c1
C1CCC(CC1)C1CCCCC1 C1CCC2(CC1)CCCCC2 C1CC2CCCC2C1 C1CCC2CCCCC2C1 C1CC2CC2C1 C1C2C3CC4C1C4C2C3
C1CC1C1CCC1 C1CC2(CC2)C1 CC1=CCCC2C1CC2 C1=CC2CCC1C2 C1C2CC2C2CC12 C1CC2C3CCC(C3)C2C1 FC1(F)CC1
O=C1CC1 O=C1CCC1 N1CC1 N1CCC1 O1CCC1 C1OCO1 CC1(C)OCC(O1)CO C1COCCOCCOCCOCCOCCO1 C1CNCCNCCCNCCNC1
c1cc2cc3ccc(cc4ccc(cc5ccc(cc1n2)[nH]5)n4)[nH]3 C1=Cc2cc3ccc(cc4nc(cc5ccc(cc1n2)[nH]5)C=C4)[nH]3
[13CH4] [13C]C [15NH3] C[15N]C [18OH2] [34S]=C=[34S] [14C](C)(C)C [11CH3]I [2H]C([2H])([2H])O
[3H]c1ccccc1 [2H]c1ccccc1 [H]C([H])([H])[H] C[CH2] C[CH]C c1cc[c]cc1 CC(=O)[O] [CH2]c1ccccc1 C[N]C
CN(C)[O] [O]N1C(C)(C)CCCC1(C)C [C-]#N [N-]=[N+]=[N-] [O-]Cl(=O)(=O)=O O[Cl](=O)(=O)=O C1(C)(C)CC1
OC(=O)C1CC1C(=O)O O=C1OC(=O)C2CC12 FS(F)(F)(F)(F)F ClI Cl[I-]Cl FI(F)(F)(F)F F[Xe]F O=[Xe](=O)=O
[O-][I+2]([O-])[O-] NCC(=O)NCC(=O)NCC(=O)O NCC(=O)NC(C)C(=O)NC(CO)C(=O)NC(Cc1c[nH]c2ccccc12)C(=O)O
CC(C)CC(N)C(=O)NC(CCC(N)=O)C(=O)NC(CCSC)C(=O)O
NC(CCCNC(N)=N)C(=O)NC(CCCCN)C(=O)NC(Cc1c[nH]cn1)C(=O)N1CCCC1C(=O)NC(CS)C(=O)O
C1CC(=O)NCC(=O)NCC(=O)NCC(=O)NCC(=O)N1 CCCCCCCCCCCCCCCCCC(=O)OCC(O)COP(=O)([O-])OCC[N+](C)(C)C
OCC(O)C(O)C(O)C(O)CO OC1C(O)C(O)C(O)C(O)C1O C1CCC1.C1CC1 c1ccccc1.c1ccccc1 CCO.CCN.CCS F.F.F.F
CC(=O)OC.CC(=O)OC.CC(=O)OC O.O.O.[Na+].[Na+].[O-]C(=O)C([O-])=O CC(=O)[O-].CC(=O)[O-].[Pb+2]
[Ag+].[N+](=O)([O-])[O-] [NH4+].[NH4+].[O-]S(=O)(=O)[O-]
[Na+].[Na+].[O-]C(=O)CN(CC([O-])=O)CCN(CC(O)=O)CC(O)=O CC1=CC=CS1=O O=S1C=CC=C1 N=S(C)(C)=O
CS(=N)C C=S(C)C CP(C)(C)=C C=P(c1ccccc1)(c1ccccc1)c1ccccc1 N1=PN=PN=P1 C[S](C)(C)C OC1=NC(=O)NC=C1
Nc1cc[nH]c(=O)n1 CC1=CN(C2CC(O)C(CO)O2)C(=O)NC1=O O=c1[nH]c(=O)c2[nH]cnc2[nH]1
Cc1cc2nc3c(=O)[nH]c(=O)nc-3n(C)c2cc1C [O-]C1=CC=CC=C1 [NH3+]CC([O-])=O C[NH+](C)C [NH2-] C[O-]
[S-]C [SH-] C[C-](C)C C[C+](C)C c1ccccc1[CH+]c1ccccc1 C=[NH2+] C=[OH+] C[OH2+]
OC(c1ccccc1)(c1ccccc1)c1ccccc1 C(c1ccccc1)(c1ccccc1)(c1ccccc1)c1ccccc1 C1=CC=C(C=C1)C#CC1=CC=CC=C1
C(=C/c1ccccc1)\\c1ccccc1
""".split()  # noqa: SIM905 - a page of quotes is harder to read

MOLECULES = [
    *SMILES,
    *VARIED,
    "CC(=N)N",
    "CC(=N)NC",
    "CNC(=O)OC",
    "CC12CC(O)C3(F)C(CCC4=CC(=O)C=CC34C)C1CC(C)C2(O)C(=O)CO",
    "C" * 70,
    "N" + "C(C)C(=O)N" * 22 + "C",
    "c1ccc(cc1)" + "-c1ccc(cc1)" * 8 + "C",
    "C" + "(CO)C" * 40,
    "C1CC1" + "C1CC1" * 12,
    "OC(=O)" + "C(F)(F)" * 20 + "C(F)(F)F",
    "C" * 310,
    (
        "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6"
        "c%11c2c2c7c3c3c8c4c4c9c5c1c1c6c2c3c41"
    ),
]


def read(smiles):
    """Read those that RDKit takes."""
    return [mol for text in smiles if (mol := Chem.MolFromSmiles(text)) is not None]


def rdkit_values(mol):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = Descriptors.CalcMolDescriptors(mol, missingVal=float("nan"))
    return np.array([values[name] for name in DESCRIPTOR_NAMES])


def differing(expected, found):
    """Say which values differ: counts by anything, others by more than rounding."""
    close = np.isclose(found, expected, rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE, equal_nan=True)
    close[COUNTS] = np.equal(found, expected)[COUNTS] | (np.isnan(found) & np.isnan(expected))[COUNTS]
    return [f"{DESCRIPTOR_NAMES[i]}: {found[i]!r}, RDKit {expected[i]!r}" for i in np.flatnonzero(~close)]


def mismatches(mol):
    found = calculate_descriptors(mol)
    return differing(rdkit_values(Chem.Mol(mol)), found)


@pytest.fixture(autouse=True)
def quiet():
    """RDKit's warnings about odd molecules."""
    RDLogger.DisableLog("rdApp.*")
    yield
    RDLogger.EnableLog("rdApp.*")


def test_names_are_those_of_rdkit():
    """Another RDKit with other descriptors, or another order, is noticed."""
    assert [name for name, _ in Descriptors.descList] == list(DESCRIPTOR_NAMES)


def test_molecules_of_this_file_are_read_and_varied():
    """Nearly all can be read, most take the fast way and some do not."""
    mols = read(MOLECULES)
    assert len(mols) >= len(MOLECULES) - 12
    graphs = [build_graph(mol) is not None for mol in mols]
    assert 10 < graphs.count(False) < len(graphs) // 5


@pytest.mark.parametrize("smiles", dict.fromkeys(MOLECULES))
def test_values_are_those_of_rdkit(smiles):
    """Each descriptor of each molecule."""
    for mol in read([smiles]):
        assert mismatches(mol) == []


@pytest.mark.seconds
def test_each_column_varies_over_the_molecules():
    """A column that is the same everywhere would not be tested by the comparison above."""
    table = np.array([calculate_descriptors(mol) for mol in read(MOLECULES)])
    constant = [
        name
        for name, column in zip(DESCRIPTOR_NAMES, table.T, strict=True)
        if len(np.unique(column[np.isfinite(column)])) < 2
    ]
    assert set(constant) == NEVER_FILLED


@pytest.mark.parametrize("column", range(len(DESCRIPTOR_NAMES)), ids=DESCRIPTOR_NAMES)
def test_a_wrong_value_is_noticed(column):
    """The comparison of this file sees a difference of a millionth in any column."""
    right = calculate_descriptors(Chem.MolFromSmiles("CCOC(=O)c1ccccc1N"))
    wrong = right.copy()
    wrong[column] += 1e-6 * max(1.0, abs(wrong[column]))
    assert differing(right, right) == []
    assert len(differing(right, wrong)) == 1


def test_empty_molecule():
    """A molecule without atoms has RDKit's values."""
    assert mismatches(Chem.Mol()) == []


@pytest.mark.parametrize("smiles", ["CCO", "c1ccccc1C(=O)NC", "[NH4+].[Cl-]"])
def test_explicit_hydrogens(smiles):
    """A molecule with its hydrogen atoms in the graph has RDKit's values."""
    assert mismatches(Chem.AddHs(Chem.MolFromSmiles(smiles))) == []


@pytest.mark.parametrize("clear", [False, True])
def test_kekule_form(clear):
    """Localized bonds, with and without the flags of aromaticity."""
    mol = Chem.MolFromSmiles("Cc1ccccc1-c1ccco1")
    Chem.Kekulize(mol, clearAromaticFlags=clear)
    assert mismatches(mol) == []


def test_unsanitized_molecule():
    """A molecule that was not sanitized has RDKit's values."""
    assert mismatches(Chem.MolFromSmiles("CC(=O)Oc1ccccc1", sanitize=False)) == []


def test_atom_order_does_not_matter_to_the_agreement():
    """Every numbering of the atoms agrees."""
    generator = random.Random(3)
    mol = Chem.MolFromSmiles("CC1(C)SC2C(NC(=O)Cc3ccccc3)C(=O)N2C1C(=O)O")
    for _ in range(20):
        order = list(range(mol.GetNumAtoms()))
        generator.shuffle(order)
        assert mismatches(Chem.RenumberAtoms(mol, order)) == []


def test_like_ends_are_told_apart_by_isotope_and_map_number():
    """Two methyl groups make no stereocentre, unless one is labelled."""
    for smiles in ("CC(C)(N)O", "[13CH3]C(C)(N)O", "[CH3:1]C(C)(N)O", "[CH3:1][C@@](C)(N)O"):
        assert mismatches(Chem.MolFromSmiles(smiles)) == []


def test_atoms_that_cannot_be_stereocentres_are_none():
    """What is left out of the stereo perception is what RDKit finds nothing in."""
    for mol in read(MOLECULES):
        if graph := build_graph(mol):
            possible = {index for index in range(graph.size) if _can_be_stereocentre(graph, index)}
            assert _stereocentres(graph.mol) <= possible, Chem.MolToSmiles(mol)


def test_screen_leaves_out_no_pattern_that_matches():
    """Whatever the screen rules out, RDKit does not find either; what it counts, RDKit counts."""
    screen = _patterns().screen
    everything = range(len(screen.queries))
    for mol in read(MOLECULES):
        if graph := build_graph(mol):
            expected = [len(graph.mol.GetSubstructMatches(query)) for query in screen.queries]
            assert screen.screen(graph).counts(everything) == expected, Chem.MolToSmiles(mol)


def test_counts_stay_below_rdkits_limit():
    """RDKit stops at a thousand matches; a molecule that could have more goes to RDKit."""
    assert build_graph(Chem.MolFromSmiles("C" * MAX_ATOMS)) is not None
    assert build_graph(Chem.MolFromSmiles("C" * (MAX_ATOMS + 1))) is None


@pytest.mark.parametrize("error", [ValueError, RuntimeError, ZeroDivisionError, KeyError, IndexError])
def test_a_failure_falls_back_to_rdkit(monkeypatch, error):
    """Whatever goes wrong on the fast way, the values are RDKit's."""

    def fail(_):
        raise error

    monkeypatch.setattr(calculate, "_shared_values", fail)
    mol = Chem.MolFromSmiles("CCOC(=O)c1ccccc1N")
    np.testing.assert_array_equal(calculate_descriptors(mol), rdkit_values(mol))


@pytest.mark.parametrize("smiles", [*VARIED, "C" * 310])
def test_the_slow_way_has_the_values_of_rdkit_bit_for_bit(smiles):
    """What is computed once for two descriptors is what RDKit computes for each of them."""
    for mol in read([smiles]):
        np.testing.assert_array_equal(separate_values(mol), rdkit_values(Chem.Mol(mol)))


def test_the_molecule_is_not_changed():
    """No property stays behind on the molecule or its atoms."""
    mol = Chem.MolFromSmiles("C[C@H](N)C(=O)NC/C=C/c1ccccc1")
    names = list(mol.GetPropNames(includePrivate=True, includeComputed=True))
    before = mol.ToBinary(Chem.PropertyPickleOptions.AllProps)
    calculate_descriptors(mol)
    assert mol.ToBinary(Chem.PropertyPickleOptions.AllProps) == before
    assert list(mol.GetPropNames(includePrivate=True, includeComputed=True)) == names
    assert not any(atom.HasProp("_GasteigerCharge") for atom in mol.GetAtoms())


def test_common_molecules_take_the_fast_way(monkeypatch):
    """No molecule that the tables describe fails on the way."""

    def refuse(mol):
        raise AssertionError(Chem.MolToSmiles(mol))

    monkeypatch.setattr(calculate, "separate_values", refuse)
    for mol in read(MOLECULES):
        if build_graph(mol) is not None:
            calculate_descriptors(mol)


def test_values_do_not_depend_on_what_came_before():
    """Tables that remember atoms and bonds change nothing, bit for bit."""
    mols = read(MOLECULES[:100])
    first = [calculate_descriptors(mol) for mol in mols]
    second = [calculate_descriptors(mol) for mol in reversed(mols)][::-1]
    np.testing.assert_array_equal(first, second)


def test_nothing_is_printed(capfd):
    """Odd elements cause no warnings."""
    RDLogger.EnableLog("rdApp.*")
    mols = read(["C[Hg]C", "[U]", "*C", "[H]O[H]", "CCO"])
    capfd.readouterr()
    for mol in mols:
        calculate_descriptors(mol)
        assert capfd.readouterr() == ("", "")


@pytest.mark.process
def test_rdkits_descriptors_are_not_imported():
    """They take a while to load, and only unusual molecules need them."""
    code = "import sys, servier.features.registry; print('rdkit.Chem.Descriptors' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.data
def test_library_molecules(real_data):
    """Every column, over a sample of a large library."""
    with gzip.open(real_data / "library" / "molecules_1.3m.csv.gz", "rt", encoding="utf-8") as lines:
        smiles = [row["smiles"] for row in csv.DictReader(lines)]
    sample = read(random.Random(0).sample(smiles, LIBRARY_SAMPLE))
    assert {Chem.MolToSmiles(mol): found for mol in sample if (found := mismatches(mol))} == {}
