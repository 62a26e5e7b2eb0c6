rule predict:
    input:
        library=lambda wildcards: LIBRARIES[wildcards.library],
        model=f"{RESULTS}/models/model_{{model}}.servier",
    output:
        f"{RESULTS}/predictions/{{library}}.model_{{model}}.csv",
    wildcard_constraints:
        model="[12]",
    log:
        f"{RESULTS}/logs/predict_{{library}}_{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/predict_{{library}}_{{model}}.tsv"
    threads: config["scoring_threads"]
    shell:
        "servier predict-file {input.library} {output} --model_path {input.model}"
        " --workers {threads} > {log} 2>&1"
