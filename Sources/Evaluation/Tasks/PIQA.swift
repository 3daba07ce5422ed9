extension BuiltInTask {
  /// PIQA (Bisk et al. 2020): which of two solutions reaches a goal. Rows: goal, sol1, sol2, label.
  static let piqa = BuiltInTask(
    "piqa",
    #"""
    task: piqa
    dataset_path: baber/piqa
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    doc_to_text: "Question: {{goal}}\nAnswer:"
    doc_to_target: label
    doc_to_choice: "{{[sol1, sol2]}}"
    should_decontaminate: true
    doc_to_decontamination_query: goal
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
