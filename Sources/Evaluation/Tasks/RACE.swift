extension BuiltInTask {
  /// RACE (Lai et al. 2017), the high school part: the last question about an article, the others shown solved. Rows:
  /// article, problems.
  static let race = BuiltInTask(
    "race",
    #"""
    task: race
    dataset_path: EleutherAI/race
    dataset_name: high
    output_type: multiple_choice
    test_split: test
    doc_to_text: !function preprocess_race.doc_to_text
    doc_to_target: !function preprocess_race.doc_to_target
    doc_to_choice: !function preprocess_race.doc_to_choice
    metric_list:
      - metric: acc
        aggregation: mean
        higher_is_better: true
    metadata:
      version: 3.0
    """#)
}
