extension BuiltInTask {
  /// BoolQ (Clark et al. 2019), SuperGLUE's copy: a yes/no question about a passage. Rows: passage, question, label.
  static let boolQ = BuiltInTask(
    "boolq", tags: ["super-glue-lm-eval-v1"],
    #"""
    tag: super-glue-lm-eval-v1
    task: boolq
    dataset_path: aps/super_glue
    dataset_name: boolq
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    doc_to_text: "{{passage}}\nQuestion: {{question}}?\nAnswer:"
    doc_to_target: label
    doc_to_choice: ["no", "yes"]
    should_decontaminate: true
    doc_to_decontamination_query: passage
    metric_list:
      - metric: acc
    metadata:
      version: 2.0
    """#)
}
