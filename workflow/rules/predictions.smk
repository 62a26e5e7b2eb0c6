wildcard_constraints:
    model="[12]|consensus",
    preset="fast|accurate",
    library="|".join(map(re.escape, LIBRARIES)),
    shard=r"\d+",
    shards=r"\d+",


rule plan:
    input:
        table=scored_table,
        models=scoring_models,
        signatures=scoring_signatures,
    output:
        f"{RESULTS}/plans/{{library}}.model_{{model}}.json",
    log:
        f"{RESULTS}/logs/plan_{{library}}_{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/plan_{{library}}_{{model}}.tsv"
    conda:
        "../../environment.yml"
    params:
        models=model_options,
        columns=library_columns,
        scored=f"{RESULTS}/predictions/{{library}}.model_{{model}}.csv",
    shell:
        "servier predict-file {params.models:q} {params.columns:q} --dry_run --summary {output:q}"
        " --workers {threads:q} -- {input.table:q} {params.scored:q} > {log:q} 2>&1"


rule collect_plans:
    input:
        [f"{RESULTS}/plans/{library}.model_{model}.json" for library, model in SCORED],
    output:
        f"{RESULTS}/plan.json",
    log:
        f"{RESULTS}/logs/collect_plans.log",
    benchmark:
        f"{RESULTS}/benchmarks/collect_plans.tsv"
    conda:
        "../../environment.yml"
    params:
        shards=[LIBRARIES[library].shards for library, _ in SCORED],
        job=config["resources"]["predict"],
    script:
        "../scripts/collect_plans.py"


rule predict:
    input:
        table=scored_table,
        models=scoring_models,
        signatures=scoring_signatures,
        plan=ancient(f"{RESULTS}/plan.json"),
    output:
        temp(
            f"{RESULTS}/shards/{{library}}.model_{{model}}/{{shard}}-of-{{shards}}.csv"
        ),
    log:
        f"{RESULTS}/logs/predict/{{library}}_{{model}}_{{shard}}-of-{{shards}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/predict/{{library}}_{{model}}_{{shard}}-of-{{shards}}.tsv"
    group:
        "predict"
    conda:
        "../../environment.yml"
    threads: cores("predict")
    resources:
        mem_mb=more_each_time("predict", "mem_mb"),
        runtime=more_each_time("predict", "runtime"),
        shards=1,
    params:
        models=model_options,
        columns=library_columns,
    shell:
        "servier predict-file {params.models:q} {params.columns:q} --shard {wildcards.shard:q}/{wildcards.shards:q}"
        " --workers {threads:q} -- {input.table:q} {output:q} > {log:q} 2>&1"


rule merge:
    input:
        shards_of,
    output:
        report(
            f"{RESULTS}/predictions/{{library}}.model_{{model}}.csv",
            caption="../report/predictions.rst",
            category="Scored files",
            labels={"library": "{library}", "model": "{model}"},
        ),
    log:
        f"{RESULTS}/logs/merge_{{library}}_{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/merge_{{library}}_{{model}}.tsv"
    conda:
        "../../environment.yml"
    threads: cores("merge")
    resources:
        mem_mb=more_each_time("merge", "mem_mb"),
        runtime=more_each_time("merge", "runtime"),
    shell:
        "servier merge -- {output:q} {input:q} > {log:q} 2>&1"


rule provenance:
    input:
        models=expand(f"{RESULTS}/models/model_{{model}}.servier", model=MODELS),
        evaluations=EVALUATIONS,
        predictions=PREDICTIONS,
    output:
        f"{RESULTS}/provenance.json",
    log:
        f"{RESULTS}/logs/provenance.log",
    benchmark:
        f"{RESULTS}/benchmarks/provenance.tsv"
    conda:
        "../../environment.yml"
    params:
        config=config,
    script:
        "../scripts/provenance.py"
