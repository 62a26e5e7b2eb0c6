rule simulate:
    output:
        f"{RESULTS}/simulated/dataset_single.csv",
    log:
        f"{RESULTS}/logs/simulate.log",
    benchmark:
        f"{RESULTS}/benchmarks/simulate.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        rows=config["simulation"]["rows"],
        seed=config["simulation"]["seed"],
    shell:
        "servier simulate {output} --rows {params.rows} --seed {params.seed} > {log} 2>&1"


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
    threads: config["models"].get("1", {"threads": 1})["threads"]
    params:
        smiles_column=SMILES_COLUMN,
    shell:
        "servier featurize {input} {output} --preset {wildcards.preset} {params.smiles_column}"
        " --workers {threads} > {log} 2>&1"
