extension BuiltInTask {
  /// WinoGrande (Sakaguchi et al. 2020): which of two names fills the blank, by how likely the rest of the sentence
  /// becomes. Rows: sentence with one "_", option1, option2, answer ("1" or "2").
  static let winoGrande = BuiltInTask(
    "winogrande",
    #"""
    task: winogrande
    dataset_path: allenai/winogrande
    dataset_name: winogrande_xl
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    doc_to_text: !function preprocess_winogrande.doc_to_text
    doc_to_target: !function preprocess_winogrande.doc_to_target
    doc_to_choice: !function preprocess_winogrande.doc_to_choice
    should_decontaminate: true
    doc_to_decontamination_query: sentence
    metric_list:
      - metric: acc
        aggregation: mean
        higher_is_better: true
    metadata:
      version: 1.0
    """#)
}
