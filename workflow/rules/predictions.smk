rule predict:
    input:
        library=lambda wildcards: LIBRARIES[wildcards.library],
        model=f"{RESULTS}/models/model_{{model}}.servier",
    output:
        report(
            f"{RESULTS}/predictions/{{library}}.model_{{model}}.csv",
            caption="../report/predictions.rst",
            category="Scored files",
            labels={"library": "{library}", "model": "{model}"},
        ),
    log:
        f"{RESULTS}/logs/predict_{{library}}_{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/predict_{{library}}_{{model}}.tsv"
    wildcard_constraints:
        model="[12]",
    conda:
        "../../environment.yml"
    threads: config["scoring_threads"]
    params:
        smiles_column=lambda wildcards: (
            SMILES_COLUMN if LIBRARIES[wildcards.library] == DATASET else ""
        ),
    shell:
        "servier predict-file {input.library} {output} --model_path {input.model}"
        " {params.smiles_column} --workers {threads} > {log} 2>&1"
