"""The metadata of a small checkpoint, with a value in every field, for tests that train nothing."""

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
from servier.checkpoint.target import Target

METADATA = Metadata(
    model_name="1",
    preset="fast",
    input={"kind": "features", "featurizers": [{"kind": "morgan_count", "radius": 2}]},
    dataset=DatasetFacts(
        file="assay.csv",
        digest="5f0c",
        rows=40,
        train_rows=30,
        test_rows=8,
        left_out=1,
        duplicates=1,
        conflicts=0,
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
    sentinels=[Sentinel("CCO", "ab12", [-0.5]), Sentinel("c1ccccc1", "cd34", [1.25])],
    versions={"servier": "0.1.0", "rdkit": "2025.9.1"},
    reference=ReferenceFacts("drugs.csv", "77aa", 3),
    targets=[Target("P1", "binary", 2.0, -1.0, 0.4, None, None, {"0.8": [0.6, 0.3]})],
)
