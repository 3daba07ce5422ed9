extension BuiltInTask {
  /// AI2 Reasoning Challenge (Clark et al. 2018), the easy set. Rows: question, choices {text, label}, answerKey; three to
  /// five choices, labels are letters or digits.
  static let arcEasy = BuiltInTask(
    "arc_easy", tags: ["ai2_arc"],
    #"""
    tag: ai2_arc
    task: arc_easy
    dataset_path: allenai/ai2_arc
    dataset_name: ARC-Easy
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    test_split: test
    doc_to_text: "Question: {{question}}\nAnswer:"
    doc_to_target: "{{choices.label.index(answerKey)}}"
    doc_to_choice: "{{choices.text}}"
    should_decontaminate: true
    doc_to_decontamination_query: "Question: {{question}}\nAnswer:"
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

  /// The challenge set.
  static let arcChallenge = BuiltInTask(
    "arc_challenge", tags: ["ai2_arc"],
    #"""
    include: arc_easy.yaml
    task: arc_challenge
    dataset_name: ARC-Challenge
    """#)
}
