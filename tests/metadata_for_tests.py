"""The metadata and the arrays of a small checkpoint, every field filled, for tests that train nothing."""

import numpy as np

from servier.checkpoint.archive import pack_lines
from servier.checkpoint.distillation_facts import DistillationFacts, LibraryFacts, TeacherFacts
from servier.checkpoint.metadata import (
    DatasetFacts,
    DomainLimits,
    DuplicateRules,
    Metadata,
    Metrics,
    ReferenceFacts,
    Sentinel,
    SplitFacts,
    TrainingNotes,
)
from servier.checkpoint.reference import ReferenceArrays
from servier.checkpoint.target import Target
from servier.checkpoint.weight_facts import WeightFacts

METADATA = Metadata(
    model_name="1",
    preset="fast",
    input={"kind": "features", "featurizers": [{"kind": "morgan_count", "radius": 2}]},
    dataset=DatasetFacts(
        file="assay.csv",
        digest="5f0c" * 16,
        rows=40,
        train_rows=30,
        test_rows=8,
        left_out=1,
        duplicates=1,
        conflicts=0,
        weights=WeightFacts("reliability", 0.5, 2.0, 27, 0.875, 30),
    ),
    split=SplitFacts("time", "date", 0.2),
    duplicates=DuplicateRules("parent", "merge"),
    seed=7,
    training=TrainingNotes(
        rounds=[[10, 12]],
        losses=[0.7, 0.65],
        recipe={"folds": 5, "boosters": [{"eta": 0.1}], "encoder": None},
        encoder={"library": {"molecules": 520}, "versions": {"rdkit": "2025.9.1"}},
    ),
    metrics=Metrics(
        held_out={"P1": {"auroc": 0.8125}},
        coverage={"P1": {"0.8": {"coverage": 0.81, "single": 1}}},
        test={"P1": {"auroc": 0.75}},
    ),
    domain=DomainLimits(similarity=0.3127, unseen=0.25, molecules=30),
    sentinels=[Sentinel("CCO", "ab12" * 16, [-0.5]), Sentinel("c1ccccc1", "cd34" * 16, [1.25])],
    versions={"servier": "0.1.0", "rdkit": "2025.9.1"},
    reference=ReferenceFacts("drugs.csv", "77aa" * 16, 3),
    distillation=DistillationFacts(
        [TeacherFacts("model_1.servier", "1", "12ef" * 16)],
        LibraryFacts("library.csv", "34cd" * 16, 5000, 300, 270),
        {"P1": {"all": {"molecules": 30, "r2": 0.875, "rmse": 0.25}}},
    ),
    targets=[Target("P1", "binary", 2.0, -1.0, 0.4, None, None, {"0.8": [0.6, 0.3]})],
)

ARRAYS = ReferenceArrays(
    train_lines=np.arange(3),
    train_identities=np.arange(9, dtype=np.uint64).reshape(3, 3),
    test_rows=np.arange(2),
    train_smiles=pack_lines(["C", "CC", "CCO"]),
    train_fingerprints=np.arange(3 * 256, dtype=np.uint8).reshape(3, 256),
    train_y=np.array([[0], [1], [np.nan]], np.float32),
    train_relations=np.zeros((3, 1), np.int8),
    train_scores=np.array([[-0.5], [0.25], [np.nan]], np.float32),
    domain_rows=np.array([0, 2]),
    environments=np.array([5, 7], np.uint32),
    reference_answers=np.array([[0.25], [0.5], [0.75]]),
)
