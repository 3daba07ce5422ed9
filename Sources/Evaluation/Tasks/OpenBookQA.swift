extension BuiltInTask {
  /// OpenBookQA (Mihaylov et al. 2018): the stem of a question alone, continued by each choice. Rows: question_stem,
  /// choices {text, label}, answerKey. A stem that ends in a blank keeps it: the encoder moves it over.
  static let openBookQA = BuiltInTask(
    "openbookqa",
    #"""
    task: openbookqa
    dataset_path: allenai/openbookqa
    dataset_name: main
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    test_split: test
    doc_to_text: question_stem
    doc_to_target: "{{choices.label.index(answerKey.lstrip())}}"
    doc_to_choice: "{{choices.text}}"
    should_decontaminate: true
    doc_to_decontamination_query: question_stem
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
