def training_table(wildcards):
    """Model 1 learns from the feature file, model 2 from the table itself."""
    if wildcards.model == "1":
        preset = config["models"]["1"]["preset"]
        return f"{RESULTS}/features/{preset}.parquet"
    return DATASET


rule train:
    input:
        table=training_table,
        recipe=lambda wildcards: config["models"][wildcards.model]["recipe"],
    output:
        f"{RESULTS}/models/model_{{model}}.servier",
    wildcard_constraints:
        model="[12]",
    params:
        targets=TARGETS,
        columns=COLUMNS,
        preset=lambda wildcards: option(
            "preset", config["models"][wildcards.model].get("preset")
        ),
        seed=config["seed"],
    log:
        f"{RESULTS}/logs/train_{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_{{model}}.tsv"
    threads: lambda wildcards: config["models"][wildcards.model]["threads"]
    shell:
        "servier train --dataset {input.table} --config {input.recipe} --model_path {output}"
        " --model_name {wildcards.model} {params.preset} {params.targets} {params.columns}"
        " --seed {params.seed} --workers {threads} > {log} 2>&1"


rule evaluate:
    input:
        table=DATASET,
        model=f"{RESULTS}/models/model_{{model}}.servier",
    output:
        f"{RESULTS}/evaluation/model_{{model}}/metrics.json",
    wildcard_constraints:
        model="[12]",
    params:
        targets=TARGETS,
        columns=COLUMNS,
        folder=lambda wildcards, output: Path(output[0]).parent,
    log:
        f"{RESULTS}/logs/evaluate_{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate_{{model}}.tsv"
    threads: 1
    shell:
        "servier evaluate --dataset {input.table} --model_path {input.model} --model_name {wildcards.model}"
        " {params.targets} {params.columns} --output_dir {params.folder} > {log} 2>&1"
