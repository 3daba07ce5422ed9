extension BuiltInTask {
  /// LogiQA (Liu et al. 2020): logical reading comprehension. Rows: context, question, options, label ("a"…"d").
  static let logiQA = BuiltInTask(
    "logiqa",
    #"""
    task: logiqa
    dataset_path: EleutherAI/logiqa
    dataset_name: logiqa
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    test_split: test
    doc_to_text: !function utils_logiqa.doc_to_text
    doc_to_target: !function utils_logiqa.doc_to_target
    doc_to_choice: "{{options}}"
    should_decontaminate: true
    doc_to_decontamination_query: "{{context}}"
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
