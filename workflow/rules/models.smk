rule tune:
    input:
        table=training_table,
        recipe=lambda wildcards: config["models"][wildcards.model]["recipe"],
    output:
        f"{RESULTS}/recipes/model_{{model}}.yaml",
    log:
        f"{RESULTS}/logs/tune_{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/tune_{{model}}.tsv"
    wildcard_constraints:
        model="[12]",
    conda:
        "../../environment.yml"
    threads: cores("tune")
    resources:
        mem_mb=more_each_time("tune", "mem_mb"),
        runtime=more_each_time("tune", "runtime"),
    params:
        targets=lambda wildcards: TARGETS,
        columns=lambda wildcards: COLUMNS,
        labels=lambda wildcards: LABELS,
        learning=lambda wildcards: LEARNING,
        standardization=lambda wildcards: STANDARDIZATION,
        stereo=training_stereo,
        preset=lambda wildcards: option(
            "preset", config["models"][wildcards.model].get("preset")
        ),
        budget=tuning_budget,
        storage=f"{RESULTS}/tuning_{{model}}.db",
        seed=config["seed"],
    shell:
        "servier tune --dataset {input.table:q} --config {input.recipe:q} --output {output:q}"
        " --model_name {wildcards.model:q} {params.preset:q} {params.targets:q} {params.columns:q} {params.labels:q}"
        " {params.learning:q} {params.budget:q} {params.standardization:q} {params.stereo:q} --storage {params.storage:q}"
        " --seed {params.seed:q} --workers {threads:q} > {log:q} 2>&1"


rule train:
    input:
        table=training_table,
        recipe=training_recipe,
    output:
        f"{RESULTS}/models/model_{{model}}.servier",
    log:
        f"{RESULTS}/logs/train_{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_{{model}}.tsv"
    wildcard_constraints:
        model="[12]",
    conda:
        "../../environment.yml"
    threads: cores("train")
    resources:
        mem_mb=more_each_time("train", "mem_mb"),
        runtime=more_each_time("train", "runtime"),
    params:
        targets=lambda wildcards: TARGETS,
        columns=lambda wildcards: COLUMNS,
        labels=lambda wildcards: LABELS,
        learning=lambda wildcards: LEARNING,
        standardization=lambda wildcards: STANDARDIZATION,
        stereo=training_stereo,
        preset=lambda wildcards: option(
            "preset", config["models"][wildcards.model].get("preset")
        ),
        seed=config["seed"],
    shell:
        "servier train --dataset {input.table:q} --config {input.recipe:q} --model_path {output:q}"
        " --model_name {wildcards.model:q} {params.preset:q} {params.targets:q} {params.columns:q} {params.labels:q}"
        " {params.learning:q} {params.standardization:q} {params.stereo:q} --seed {params.seed:q} --workers {threads:q} > {log:q} 2>&1"


if "signatures" in config:

    # The private key is no input, for an input may be copied to where other jobs read it.
    rule sign:
        input:
            f"{RESULTS}/models/model_{{model}}.servier",
        output:
            f"{RESULTS}/models/model_{{model}}.servier.sig",
        log:
            f"{RESULTS}/logs/sign_{{model}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/sign_{{model}}.tsv"
        wildcard_constraints:
            model="[12]",
        localrule: True
        conda:
            "../../environment.yml"
        params:
            key=config["signatures"]["private_key"],
        shell:
            "servier sign {input:q} --key {params.key:q} > {log:q} 2>&1"


rule evaluate:
    input:
        table=DATASET,
        model=f"{RESULTS}/models/model_{{model}}.servier",
    output:
        f"{RESULTS}/evaluation/model_{{model}}/metrics.json",
        f"{RESULTS}/evaluation/model_{{model}}/leaks.csv",
        reports=report(
            expand(f"{RESULTS}/evaluation/model_{{{{model}}}}/{{name}}", name=REPORTS),
            caption="../report/evaluation.rst",
            category="Evaluation",
            labels={"page": "evaluation", "model": "{model}"},
        ),
    log:
        f"{RESULTS}/logs/evaluate_{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate_{{model}}.tsv"
    wildcard_constraints:
        model="[12]",
    conda:
        "../../environment.yml"
    threads: cores("evaluate")
    resources:
        mem_mb=more_each_time("evaluate", "mem_mb"),
        runtime=more_each_time("evaluate", "runtime"),
    params:
        targets=lambda wildcards: TARGETS,
        columns=lambda wildcards: COLUMNS,
        labels=lambda wildcards: LABELS,
        resamples=config["resamples"],
        folder=lambda wildcards, output: Path(output[0]).parent,
    # Of the target `all` nobody knows beforehand which pages there will be, to remove those of before.
    shell:
        "servier evaluate --dataset {input.table:q} --model_path {input.model:q} --model_name {wildcards.model:q}"
        " {params.targets:q} {params.columns:q} {params.labels:q} --output_dir {params.folder:q} --force"
        " --resamples {params.resamples:q} --workers {threads:q} > {log:q} 2>&1"


rule compare:
    input:
        table=DATASET,
        models=expand(f"{RESULTS}/models/model_{{model}}.servier", model=MODELS),
    output:
        page=report(
            f"{RESULTS}/evaluation/comparison.html",
            caption="../report/comparison.rst",
            category="Evaluation",
            labels={"page": "comparison", "model": "1 and 2"},
        ),
        document=f"{RESULTS}/evaluation/comparison.json",
    log:
        f"{RESULTS}/logs/compare.log",
    benchmark:
        f"{RESULTS}/benchmarks/compare.tsv"
    conda:
        "../../environment.yml"
    threads: cores("compare")
    resources:
        mem_mb=more_each_time("compare", "mem_mb"),
        runtime=more_each_time("compare", "runtime"),
    params:
        targets=lambda wildcards: TARGETS,
        columns=lambda wildcards: COLUMNS,
        labels=lambda wildcards: LABELS,
        resamples=config["resamples"],
    shell:
        "servier compare --dataset {input.table:q} {params.targets:q} {params.columns:q} {params.labels:q}"
        " --resamples {params.resamples:q} --workers {threads:q} --html {output.page:q} --json"
        " -- {input.models:q} > {output.document:q} 2> {log:q}"
