extension BuiltInTask {
  /// Choice of Plausible Alternatives (Roemmele et al. 2011), SuperGLUE's copy: a cause or an effect of a premise. Rows:
  /// premise, choice1, choice2, question ("cause" or "effect"), label.
  static let copa = BuiltInTask(
    "copa", tags: ["super-glue-lm-eval-v1"],
    #"""
    tag: super-glue-lm-eval-v1
    task: copa
    dataset_path: aps/super_glue
    dataset_name: copa
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    doc_to_text: !function utils.doc_to_text
    doc_to_target: !function utils.doc_to_target
    doc_to_choice: !function utils.doc_to_choice
    metric_list:
      - metric: acc
    metadata:
      version: 1.0
    """#)
}
