rule simulate:
    output:
        SIMULATED,
    log:
        f"{RESULTS}/logs/simulate.log",
    benchmark:
        f"{RESULTS}/benchmarks/simulate.tsv"
    conda:
        "../../environment.yml"
    threads: cores("simulate")
    resources:
        mem_mb=more_each_time("simulate", "mem_mb"),
        runtime=more_each_time("simulate", "runtime"),
    params:
        rows=lambda wildcards: config["simulation"]["rows"],
        seed=lambda wildcards: config["simulation"]["seed"],
    shell:
        "servier simulate --rows {params.rows:q} --seed {params.seed:q} -- {output:q} > {log:q} 2>&1"


rule featurize:
    input:
        DATASET,
    output:
        f"{RESULTS}/features/{{preset}}.parquet",
    log:
        f"{RESULTS}/logs/featurize_{{preset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/featurize_{{preset}}.tsv"
    conda:
        "../../environment.yml"
    threads: cores("featurize")
    resources:
        mem_mb=more_each_time("featurize", "mem_mb"),
        runtime=more_each_time("featurize", "runtime"),
    params:
        smiles_column=lambda wildcards: SMILES_COLUMN,
        standardization=lambda wildcards: STANDARDIZATION,
        stereo=lambda wildcards: STEREO,
    shell:
        "servier featurize --preset {wildcards.preset:q} {params.smiles_column:q} {params.standardization:q}"
        " {params.stereo:q} --workers {threads:q} -- {input:q} {output:q} > {log:q} 2>&1"


use rule featurize as featurize_library with:
    input:
        lambda wildcards: LIBRARIES[wildcards.library].path,
    output:
        f"{RESULTS}/library_features/{{library}}.{{preset}}.parquet",
    log:
        f"{RESULTS}/logs/featurize_{{library}}_{{preset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/featurize_{{library}}_{{preset}}.tsv"
    params:
        smiles_column=library_columns,
        standardization=lambda wildcards: STANDARDIZATION,
        stereo=lambda wildcards: STEREO,
