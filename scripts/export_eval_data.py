#!/usr/bin/env python3
"""Writes the rows of the built-in evaluation tasks as `inheritune eval --data DIR` reads them: DIR/<task>/<split>.jsonl,
one JSON object a line, with the columns of the Hugging Face hub.

    pip install datasets
    python3 scripts/export_eval_data.py DIR [--tasks piqa,arc_*,mmlu]

Data sets, configurations and splits are those of lm-evaluation-harness 0.4.13: for each task the split that is scored
and the one that few-shot examples come from. Files that are there are kept, so an interrupted export goes on.
"""
import argparse
import fnmatch
import json
import os
import sys

TRAIN_VALIDATION, TRAIN_TEST = ("train", "validation"), ("train", "test")
TASKS = {  # task: (data set, configuration, splits)
    "arc_challenge": ("allenai/ai2_arc", "ARC-Challenge", TRAIN_TEST),
    "arc_easy": ("allenai/ai2_arc", "ARC-Easy", TRAIN_TEST),
    "boolq": ("aps/super_glue", "boolq", TRAIN_VALIDATION),
    "copa": ("aps/super_glue", "copa", TRAIN_VALIDATION),
    "hellaswag": ("Rowan/hellaswag", None, TRAIN_VALIDATION),
    "lambada_openai": ("EleutherAI/lambada_openai", "default", ("test",)),
    "lambada_standard": ("cimec/lambada", None, ("validation", "test")),
    "logiqa": ("EleutherAI/logiqa", "logiqa", TRAIN_TEST),
    "mnli": ("nyu-mll/glue", "mnli", ("train", "validation_matched")),
    "openbookqa": ("allenai/openbookqa", "main", TRAIN_TEST),
    "piqa": ("baber/piqa", None, TRAIN_VALIDATION),
    "qnli": ("nyu-mll/glue", "qnli", TRAIN_VALIDATION),
    "race": ("EleutherAI/race", "high", ("test",)),
    "rte": ("nyu-mll/glue", "rte", TRAIN_VALIDATION),
    "sciq": ("allenai/sciq", None, TRAIN_TEST),
    "truthfulqa_mc1": ("truthfulqa/truthful_qa", "multiple_choice", ("validation",)),
    "truthfulqa_mc2": ("truthfulqa/truthful_qa", "multiple_choice", ("validation",)),
    "wikitext": ("EleutherAI/wikitext_document_level", "wikitext-2-raw-v1", ("test",)),
    "winogrande": ("allenai/winogrande", "winogrande_xl", TRAIN_VALIDATION),
    "wnli": ("nyu-mll/glue", "wnli", TRAIN_VALIDATION),
    "wsc": ("aps/super_glue", "wsc.fixed", TRAIN_VALIDATION),
    "wsc273": ("lighteval/winograd_wsc", "wsc273", ("test",)),
}
MMLU = """
    abstract_algebra anatomy astronomy business_ethics clinical_knowledge college_biology college_chemistry
    college_computer_science college_mathematics college_medicine college_physics computer_security conceptual_physics
    econometrics electrical_engineering elementary_mathematics formal_logic global_facts high_school_biology
    high_school_chemistry high_school_computer_science high_school_european_history high_school_geography
    high_school_government_and_politics high_school_macroeconomics high_school_mathematics high_school_microeconomics
    high_school_physics high_school_psychology high_school_statistics high_school_us_history high_school_world_history
    human_aging human_sexuality international_law jurisprudence logical_fallacies machine_learning management marketing
    medical_genetics miscellaneous moral_disputes moral_scenarios nutrition philosophy prehistory professional_accounting
    professional_law professional_medicine professional_psychology public_relations security_studies sociology
    us_foreign_policy virology world_religions
""".split()
TASKS |= {f"mmlu_{subject}": ("cais/mmlu", subject, ("dev", "test")) for subject in MMLU}


def select(patterns):
    """The tasks that a comma-separated list of names and globs stands for; "mmlu" is all its subjects."""
    chosen = set()
    for pattern in patterns.split(","):
        found = fnmatch.filter(TASKS, "mmlu_*" if pattern.strip() == "mmlu" else pattern.strip())
        if not found:
            sys.exit(f"error: no task matches '{pattern.strip()}'; the tasks are mmlu, {', '.join(t for t in TASKS if 'mmlu' not in t)}")
        chosen.update(found)
    return sorted(chosen)


def export(rows, path):
    """Writes rows under another name first: a file that is there is whole."""
    partial = path + ".partial"
    with open(partial, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument("--tasks", default="*", help="names and globs, separated by commas; all by default")
    arguments = parser.parse_args()
    tasks = select(arguments.tasks)

    import datasets

    failed = []
    for task in tasks:
        name, configuration, splits = TASKS[task]
        for split in splits:
            path = os.path.join(arguments.directory, task, split + ".jsonl")
            if os.path.exists(path):
                continue
            try:
                rows = datasets.load_dataset(name, configuration, split=split)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                export(rows, path)
            except Exception as error:  # the other tasks can still be had
                failed.append(path)
                print(f"{path}: {name} could not be read: {error}", file=sys.stderr)
                continue
            print(f"{path}: {len(rows)} rows")
    if failed:
        sys.exit(f"error: {len(failed)} files are missing; run again to try them once more")


if __name__ == "__main__":
    main()
