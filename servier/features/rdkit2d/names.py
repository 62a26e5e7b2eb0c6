"""Names of the 2D descriptors, in the order of RDKit's descriptor list."""

from typing import Final


def vsa_bin_order(bins: int) -> tuple[int, ...]:
    """Order the bins of a surface-area histogram by their numbers read as text.

    Parameters
    ----------
    bins
        Number of bins, numbered from one.

    Returns
    -------
    Zero-based bins in the order 1, 10, 11, ..., 2, 3, ...
    """
    return tuple(int(label) - 1 for label in sorted(str(b + 1) for b in range(bins)))


def _bins(prefix: str, bins: int) -> list[str]:
    return [f"{prefix}{b + 1}" for b in vsa_bin_order(bins)]


PEOE_BINS: Final = vsa_bin_order(14)
SMR_BINS: Final = vsa_bin_order(10)
SLOGP_BINS: Final = vsa_bin_order(12)
ESTATE_VSA_BINS: Final = vsa_bin_order(11)
VSA_ESTATE_BINS: Final = vsa_bin_order(10)

_GENERAL = """
MaxAbsEStateIndex MaxEStateIndex MinAbsEStateIndex MinEStateIndex qed SPS MolWt HeavyAtomMolWt
ExactMolWt NumValenceElectrons NumRadicalElectrons MaxPartialCharge MinPartialCharge
MaxAbsPartialCharge MinAbsPartialCharge FpDensityMorgan1 FpDensityMorgan2 FpDensityMorgan3
BCUT2D_MWHI BCUT2D_MWLOW BCUT2D_CHGHI BCUT2D_CHGLO BCUT2D_LOGPHI BCUT2D_LOGPLOW BCUT2D_MRHI
BCUT2D_MRLOW AvgIpc BalabanJ BertzCT Chi0 Chi0n Chi0v Chi1 Chi1n Chi1v Chi2n Chi2v Chi3n Chi3v
Chi4n Chi4v HallKierAlpha Ipc Kappa1 Kappa2 Kappa3 LabuteASA
""".split()  # noqa: SIM905 - a page of quotes is harder to read

_COUNTS = """
FractionCSP3 HeavyAtomCount NHOHCount NOCount NumAliphaticCarbocycles NumAliphaticHeterocycles
NumAliphaticRings NumAmideBonds NumAromaticCarbocycles NumAromaticHeterocycles NumAromaticRings
NumAtomStereoCenters NumBridgeheadAtoms NumHAcceptors NumHDonors NumHeteroatoms NumHeterocycles
NumRotatableBonds NumSaturatedCarbocycles NumSaturatedHeterocycles NumSaturatedRings
NumSpiroAtoms NumUnspecifiedAtomStereoCenters Phi RingCount MolLogP MolMR
""".split()  # noqa: SIM905 - a page of quotes is harder to read

FRAGMENT_NAMES: Final[tuple[str, ...]] = tuple(
    """
fr_Al_COO fr_Al_OH fr_Al_OH_noTert fr_ArN fr_Ar_COO fr_Ar_N fr_Ar_NH fr_Ar_OH fr_COO fr_COO2
fr_C_O fr_C_O_noCOO fr_C_S fr_HOCCN fr_Imine fr_NH0 fr_NH1 fr_NH2 fr_N_O fr_Ndealkylation1
fr_Ndealkylation2 fr_Nhpyrrole fr_SH fr_aldehyde fr_alkyl_carbamate fr_alkyl_halide
fr_allylic_oxid fr_amide fr_amidine fr_aniline fr_aryl_methyl fr_azide fr_azo fr_barbitur
fr_benzene fr_benzodiazepine fr_bicyclic fr_diazo fr_dihydropyridine fr_epoxide fr_ester
fr_ether fr_furan fr_guanido fr_halogen fr_hdrzine fr_hdrzone fr_imidazole fr_imide fr_isocyan
fr_isothiocyan fr_ketone fr_ketone_Topliss fr_lactam fr_lactone fr_methoxy fr_morpholine
fr_nitrile fr_nitro fr_nitro_arom fr_nitro_arom_nonortho fr_nitroso fr_oxazole fr_oxime
fr_para_hydroxylation fr_phenol fr_phenol_noOrthoHbond fr_phos_acid fr_phos_ester fr_piperdine
fr_piperzine fr_priamide fr_prisulfonamd fr_pyridine fr_quatN fr_sulfide fr_sulfonamd fr_sulfone
fr_term_acetylene fr_tetrazole fr_thiazole fr_thiocyan fr_thiophene fr_unbrch_alkane fr_urea
""".split()  # noqa: SIM905 - as above
)

DESCRIPTOR_NAMES: Final[tuple[str, ...]] = (
    *_GENERAL,
    *_bins("PEOE_VSA", 14),
    *_bins("SMR_VSA", 10),
    *_bins("SlogP_VSA", 12),
    "TPSA",
    *_bins("EState_VSA", 11),
    *_bins("VSA_EState", 10),
    *_COUNTS,
    *FRAGMENT_NAMES,
)
