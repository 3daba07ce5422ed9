extension BuiltInTask {
  /// The Winograd Schema Challenge (Levesque et al. 2012) as 273 texts: which of two options the pronoun stands for, by
  /// how likely the rest becomes. Rows: text, pronoun, pronoun_loc, options, label. The rest begins with a blank of its
  /// own, so that two stand before it.
  static let wsc273 = BuiltInTask(
    "wsc273",
    #"""
    task: wsc273
    dataset_path: lighteval/winograd_wsc
    dataset_name: wsc273
    output_type: multiple_choice
    test_split: test
    process_docs: !function utils.process_doc
    doc_to_text: label
    doc_to_target: "{% set index = pronoun_loc + pronoun | length %}{{text[index:]}}"
    doc_to_choice: "{% set template = text[:pronoun_loc] %}{{[template+options[0], template+options[1]]}}"
    should_decontaminate: true
    doc_to_decontamination_query: text
    metric_list:
      - metric: acc
        aggregation: mean
        higher_is_better: true
    metadata:
      version: 1.0
    """#)

  /// SuperGLUE's copy of the schemas as questions with yes or no (the paper's "Winograd"). Rows: text, span1_text,
  /// span2_text, span2_index, label.
  static let wsc = BuiltInTask(
    "wsc", tags: ["super-glue-lm-eval-v1"],
    #"""
    tag: super-glue-lm-eval-v1
    task: wsc
    dataset_path: aps/super_glue
    dataset_name: wsc.fixed
    output_type: multiple_choice
    training_split: train
    validation_split: validation
    doc_to_text: !function preprocess_wsc.default_doc_to_text
    doc_to_target: label
    doc_to_choice: ["no", "yes"]
    metric_list:
      - metric: acc
    metadata:
      version: 1.0
    """#)
}
