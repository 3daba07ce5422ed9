extension BuiltInTask {
  /// HellaSwag (Zellers et al. 2019): which ending continues a scene. Rows: activity_label, ctx_a, ctx_b, endings, label
  /// ("0"…"3"); the function adds query, choices and gold.
  static let hellaSwag = BuiltInTask(
    "hellaswag", tags: ["multiple_choice"],
    #"""
    tag: multiple_choice
    task: hellaswag
    dataset_path: Rowan/hellaswag
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    process_docs: !function utils.process_docs
    doc_to_text: "{{query}}"
    doc_to_target: "{{label}}"
    doc_to_choice: choices
    metric_list:
      - metric: acc
        aggregation: mean
        higher_is_better: true
      - metric: acc_norm
        aggregation: mean
        higher_is_better: true
    metadata:
      version: 1.0
    """#)
}
