extension BuiltInTask {
  /// MultiNLI (Williams et al. 2018): does a hypothesis follow from a premise? Rows: premise, hypothesis, label.
  static let mnli = BuiltInTask(
    "mnli", tags: ["glue"],
    #"""
    tag: glue
    task: mnli
    dataset_path: nyu-mll/glue
    dataset_name: mnli
    output_type: multiple_choice
    training_split: train
    validation_split: validation_matched
    doc_to_text: !function utils.doc_to_text
    doc_to_target: label
    doc_to_choice: ["True", "Neither", "False"]
    metric_list:
      - metric: acc
    metadata:
      version: 1.0
    """#)

  /// SQuAD's questions and sentences of its paragraphs (Wang et al. 2019). Rows: question, sentence, label.
  static let qnli = BuiltInTask(
    "qnli", tags: ["glue"],
    #"""
    tag: glue
    task: qnli
    dataset_path: nyu-mll/glue
    dataset_name: qnli
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    doc_to_text: "{{question}}\n{{sentence}}\nQuestion: Does this response answer the question?\nAnswer:"
    doc_to_target: label
    doc_to_choice: ["yes", "no"]
    metric_list:
      - metric: acc
    metadata:
      version: 1.0
    """#)

  /// The Winograd schemas as inference (Wang et al. 2019). Rows: sentence1, sentence2, label; label 1 is true.
  static let wnli = BuiltInTask(
    "wnli", tags: ["glue"],
    #"""
    tag: glue
    task: wnli
    dataset_path: nyu-mll/glue
    dataset_name: wnli
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    doc_to_text: "{{sentence1}}\nQuestion: {{sentence2}} True or False?\nAnswer:"
    doc_to_target: label
    doc_to_choice: ["False", "True"]
    metric_list:
      - metric: acc
    metadata:
      version: 2.0
    """#)

  /// Recognizing Textual Entailment (Dagan et al. 2005 and later). Rows: sentence1, sentence2, label; label 0 is true.
  static let rte = BuiltInTask(
    "rte", tags: ["glue"],
    #"""
    tag: glue
    task: rte
    dataset_path: nyu-mll/glue
    dataset_name: rte
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    doc_to_text: "{{sentence1}}\nQuestion: {{sentence2}} True or False?\nAnswer:"
    doc_to_target: label
    doc_to_choice: ["True", "False"]
    metric_list:
      - metric: acc
    metadata:
      version: 1.0
    """#)
}
